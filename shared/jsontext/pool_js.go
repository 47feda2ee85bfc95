package jsontext

// kept is the Decoder for the next text: a browser's program runs one thread,
// and sync.Pool is 7 KB of its download.
var kept *Decoder

func borrow() *Decoder {
	d := kept
	kept = nil
	if d == nil {
		d = new(Decoder)
	}
	return d
}

func giveBack(d *Decoder) { kept = d }
