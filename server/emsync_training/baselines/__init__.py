"""What a trained composer is measured against."""
