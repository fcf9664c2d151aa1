"""Keras and TensorFlow: layers and models as classes, functions of tensors that end in channels."""
