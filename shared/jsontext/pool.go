//go:build !js

package jsontext

import "sync"

// pool reuses Decoders, which take 2.6 KB each.
var pool = sync.Pool{New: func() any { return new(Decoder) }}

func borrow() *Decoder { return pool.Get().(*Decoder) }

func giveBack(d *Decoder) { pool.Put(d) }
