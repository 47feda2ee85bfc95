package media

import (
	"image"
	"image/color"
	"image/draw"
)

// shrink returns a copy of an image whose sides have at most side pixels. Each pixel is
// the mean of the pixels that it replaces. An image that is small enough keeps its size.
// shrink needs memory for a few rows of the image only.
func shrink(full image.Image, side int) *image.RGBA {
	from := full.Bounds()
	w, h := scaledSize(from.Dx(), from.Dy(), side)
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	var strip *image.RGBA
	for y := range h {
		top, bottom := y*from.Dy()/h, (y+1)*from.Dy()/h
		if strip == nil || strip.Rect.Dy() < bottom-top {
			strip = image.NewRGBA(image.Rect(0, 0, from.Dx(), bottom-top))
		}
		rows := image.Rect(0, 0, from.Dx(), bottom-top)
		draw.Draw(strip, rows, full, from.Min.Add(image.Pt(0, top)), draw.Src)
		for x := range w {
			box := image.Rect(x*from.Dx()/w, 0, (x+1)*from.Dx()/w, bottom-top)
			small.SetRGBA(x, y, mean(strip, box))
		}
	}
	return small
}

// scaledSize returns the size of the largest copy of an image whose sides have at most
// side pixels.
func scaledSize(w, h, side int) (int, int) {
	if long := max(w, h); long > side {
		return max(1, w*side/long), max(1, h*side/long)
	}
	return w, h
}

// mean returns the mean colour of a box, which must not be empty.
func mean(m *image.RGBA, box image.Rectangle) color.RGBA {
	var sum [4]int
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := m.Pix[m.PixOffset(box.Min.X, y):m.PixOffset(box.Max.X, y)]
		for i := 0; i+3 < len(row); i += 4 {
			sum[0] += int(row[i])
			sum[1] += int(row[i+1])
			sum[2] += int(row[i+2])
			sum[3] += int(row[i+3])
		}
	}
	n := box.Dx() * box.Dy()
	at := func(i int) uint8 { return uint8((sum[i] + n/2) / n) } // #nosec G115 -- the mean of bytes is one
	return color.RGBA{R: at(0), G: at(1), B: at(2), A: at(3)}
}
