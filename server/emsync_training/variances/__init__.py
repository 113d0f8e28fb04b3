"""Every variance that the default fusion uses, measured again beside the figure that ships."""
