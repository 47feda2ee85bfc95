package markup

// PictureSize is the size, in CSS pixels, at which a transcript shows an image of
// that size: whole, no larger than it is, and within 320 × 240. It is known before
// the image is loaded, so nothing moves then. Images of unknown size get a square.
func PictureSize(width, height int64) (w, h int64) {
	const most, high, unknown = 320, 240, 160
	if width <= 0 || height <= 0 {
		return unknown, unknown
	}
	w, h = width, height
	if w > most {
		w, h = most, h*most/w
	}
	if h > high {
		w, h = w*high/h, high
	}
	return max(w, 1), max(h, 1)
}
