"""Text to Ekman's six emotions and 'neutral': reading GoEmotions, training, measuring, export."""
