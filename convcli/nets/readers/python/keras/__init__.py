"""Keras and TensorFlow: layers and models as classes, functions of tensors with channels last."""
