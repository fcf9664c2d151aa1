"""Pictures of pictures and kernels: sheets, galleries, previews."""
