package markup

import "strconv"

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

// FileSize writes a number of bytes for people: "812 bytes", "14 kB", "2.4 MB".
func FileSize(bytes int64) string {
	const kilo, mega = 1000, 1000 * 1000
	switch {
	case bytes == 1:
		return "1 byte"
	case bytes < kilo:
		return strconv.FormatInt(bytes, 10) + " bytes"
	case bytes < mega:
		return strconv.FormatInt(max((bytes+kilo/2)/kilo, 1), 10) + " kB"
	}
	tenths := (bytes + mega/20) / (mega / 10)
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + " MB"
}
