"""What a convolution is asked to do: kernel, stride, padding, dilation, groups, and whether it
fits.

Read `spec` first; `parse` reads what a person gives, `padding_modes` says what stands beyond the
edge, `remedies` what to change where a picture does not fit.
"""
