//go:build !js

package jsontext

import "sync"

// pool keeps Decoders, which are 2.6 KB each, for the next text.
var pool = sync.Pool{New: func() any { return new(Decoder) }}

func borrow() *Decoder { return pool.Get().(*Decoder) }

func giveBack(d *Decoder) { pool.Put(d) }
