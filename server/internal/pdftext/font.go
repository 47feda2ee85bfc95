package pdftext

import (
	"github.com/ledongthuc/pdf"
)

// font decodes and measures the texts of a font.
type font struct {
	pdf.Font
	composite bool            // a character has two bytes
	widths    map[int]float64 // of a composite font, in thousandths of the size
	usual     float64         // the width of characters that are not in widths
}

// fontNamed returns a font of the resources; nil if there is none.
func (w *walk) fontNamed(name string, resources pdf.Value) *font {
	if f, ok := w.fonts[name]; ok {
		return f
	}
	value := resources.Key("Font").Key(name)
	if value.IsNull() {
		return nil
	}
	f := &font{Font: pdf.Font{V: value}, composite: value.Key("Subtype").Name() == "Type0"}
	if f.composite {
		f.readWidths(value.Key("DescendantFonts").Index(0))
	}
	w.fonts[name] = f
	return f
}

// maxWidths limits the widths that are kept of a font.
const maxWidths = 1 << 16

// readWidths reads the widths of a composite font (ISO 32000 §9.7.4.3): lists of
// "first [width …]" and "first last width".
func (f *font) readWidths(descendant pdf.Value) {
	f.widths, f.usual = map[int]float64{}, 1000
	if w := descendant.Key("DW"); !w.IsNull() {
		f.usual = w.Float64()
	}
	list := descendant.Key("W")
	for i := 0; i+1 < list.Len() && len(f.widths) < maxWidths; {
		first, next := int(list.Index(i).Int64()), list.Index(i+1)
		if next.Kind() == pdf.Array {
			for j := range min(next.Len(), maxWidths) {
				f.widths[first+j] = next.Index(j).Float64()
			}
			i += 2
			continue
		}
		for code := first; code <= min(int(next.Int64()), first+maxWidths); code++ {
			f.widths[code] = list.Index(i + 2).Float64()
		}
		i += 3
	}
}

func (f *font) decode(raw string) string { return f.Encoder().Decode(raw) }

// width returns how far a text moves the next character (ISO 32000 §9.4.4).
func (f *font) width(raw string, size, characters, words float64) (width float64) {
	for i := 0; i < len(raw); i++ {
		code, glyph := int(raw[i]), 0.0
		if f.composite && i+1 < len(raw) {
			i++
			code = code<<8 | int(raw[i])
			var ok bool
			if glyph, ok = f.widths[code]; !ok {
				glyph = f.usual
			}
		} else {
			glyph = f.simpleWidth(code)
			if code == ' ' {
				width += words
			}
		}
		width += glyph/1000*size + characters
	}
	return width
}

// simpleWidth returns the width of a character of a simple font. The 14 standard fonts
// may have no widths; half of the size is about right for them.
func (f *font) simpleWidth(code int) float64 {
	if f.V.Key("Widths").IsNull() {
		return 500
	}
	return f.Width(code)
}
