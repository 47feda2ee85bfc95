package jsontext

// unused is a Decoder to reuse, or nil. One is enough, since a browser's program runs in
// one thread; sync.Pool would add 7 KB to the download.
var unused *Decoder

func borrow() *Decoder {
	d := unused
	unused = nil
	if d == nil {
		d = new(Decoder)
	}
	return d
}

func giveBack(d *Decoder) { unused = d }
