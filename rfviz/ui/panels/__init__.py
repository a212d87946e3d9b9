"""What several pages show: picture, feature maps, matrices, receptive field, and the link
between them.
"""
