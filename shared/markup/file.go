package markup

// PictureSize returns the size, in CSS pixels, at which a transcript shows an image with the
// given size: scaled down to fit within 320 × 240, but not enlarged. An image of unknown
// size (0 or less) gets a square. The client knows the result before the image is loaded, so
// nothing moves when it loads.
func PictureSize(width, height int64) (w, h int64) {
	const maxWidth, maxHeight, unknown = 320, 240, 160
	if width <= 0 || height <= 0 {
		return unknown, unknown
	}
	w, h = width, height
	if w > maxWidth {
		w, h = maxWidth, h*maxWidth/w
	}
	if h > maxHeight {
		w, h = w*maxHeight/h, maxHeight
	}
	return max(w, 1), max(h, 1)
}
