"""Everything that is drawn: sheets, galleries, previews, animations."""
