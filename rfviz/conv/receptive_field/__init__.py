"""What a unit reads through a stack of layers, in theory and in effect.

Read `axis_map` first, the arithmetic of one axis; `stack` puts layers on each other, `nested`
says what a unit reads of every map, `effective` how much each pixel matters; `architectures` are
published ones.
"""
