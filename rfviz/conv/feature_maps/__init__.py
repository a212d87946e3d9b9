"""What is read off feature maps: means that fit a screen, histograms, the strongest receptive
fields.
"""
