package jsontext

import "unsafe"

// A Layout maps the fields of a struct to the members of a JSON object. Generated code
// has one for each type; Append and Decode interpret it. Generated code for each field
// instead would make up a fifth of the browser's download.
type Layout struct {
	Fields []Field
}

// Field maps one field of a struct to one member of the object.
type Field struct {
	Name      string  // of the member; needs no escapes in JSON
	Offset    uintptr // of the field in the struct
	Kind      Kind
	OmitEmpty bool    // leave the member out if the field is zero or empty
	Elem      *Layout // of a KindStruct, KindPointer or KindSlice
	// New allocates the value of a KindPointer, or appends an element to a KindSlice,
	// and returns the address of the new struct.
	New func(field unsafe.Pointer) unsafe.Pointer
	// Size is the size of an element of a KindSlice.
	Size uintptr
}

// Kind is a field's Go type.
type Kind uint8

// The kinds. A named type has the kind of its underlying type.
const (
	KindString        Kind = iota // string
	KindInt                       // int64
	KindBool                      // bool
	KindRaw                       // Raw
	KindTime                      // int64, milliseconds since 1970 UTC; RFC 3339 on the wire
	KindStrings                   // []string
	KindCounts                    // map[string]int64
	KindStruct                    // a struct with a Layout
	KindPointer                   // a pointer to a struct with a Layout
	KindSlice                     // a slice of structs with a Layout
	KindStringPointer             // *string
	KindIntPointer                // *int64
	KindBoolPointer               // *bool
)

// Append appends the struct at p as a JSON object.
func (l *Layout) Append(dst []byte, p unsafe.Pointer) []byte {
	dst = append(dst, '{')
	for i := range l.Fields {
		f := &l.Fields[i]
		at := unsafe.Add(p, f.Offset)
		if f.OmitEmpty && f.empty(at) {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, f.Name...)
		dst = append(dst, '"', ':')
		dst = f.append(dst, at)
	}
	return append(dst, '}')
}

// sliceHeader is the memory layout of a slice.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// zeroSized is what slices point to that are empty but not nil.
var zeroSized struct{}

// empty reports whether omitempty leaves the field out, by the rules of encoding/json.
func (f *Field) empty(p unsafe.Pointer) bool {
	switch f.Kind {
	case KindString:
		return *(*string)(p) == ""
	case KindInt, KindTime:
		return *(*int64)(p) == 0
	case KindBool:
		return !*(*bool)(p)
	case KindRaw, KindStrings, KindSlice:
		return (*sliceHeader)(p).len == 0
	case KindCounts:
		return len(*(*map[string]int64)(p)) == 0
	case KindStruct:
		return false
	default:
		return *(*unsafe.Pointer)(p) == nil
	}
}

func (f *Field) append(dst []byte, p unsafe.Pointer) []byte {
	switch f.Kind {
	case KindPointer, KindStringPointer, KindIntPointer, KindBoolPointer:
		if p = *(*unsafe.Pointer)(p); p == nil {
			return append(dst, "null"...)
		}
	}
	switch f.Kind {
	case KindString, KindStringPointer:
		return AppendString(dst, *(*string)(p))
	case KindInt, KindIntPointer:
		return AppendInt(dst, *(*int64)(p))
	case KindBool, KindBoolPointer:
		return AppendBool(dst, *(*bool)(p))
	case KindTime:
		return AppendString(dst, FormatTime(*(*int64)(p)))
	case KindRaw:
		return AppendRaw(dst, *(*Raw)(p))
	case KindStrings:
		return appendStrings(dst, *(*[]string)(p))
	case KindCounts:
		return appendCounts(dst, *(*map[string]int64)(p))
	case KindSlice:
		return f.appendSlice(dst, (*sliceHeader)(p))
	default:
		return f.Elem.Append(dst, p)
	}
}

func (f *Field) appendSlice(dst []byte, s *sliceHeader) []byte {
	dst = append(dst, '[')
	for i := range s.len {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = f.Elem.Append(dst, unsafe.Add(s.data, uintptr(i)*f.Size))
	}
	return append(dst, ']')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, s)
	}
	return append(dst, ']')
}

func appendCounts(dst []byte, counts map[string]int64) []byte {
	dst = append(dst, '{')
	for name, n := range counts {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, name), ':')
		dst = AppendInt(dst, n)
	}
	return append(dst, '}')
}

// Decode reads an object into the struct at p. It skips unknown members. null leaves the
// struct unchanged.
func (l *Layout) Decode(d *Decoder, p unsafe.Pointer) {
	if d.Null() || !d.BeginObject() {
		return
	}
next:
	for key, ok := d.Key(); ok; key, ok = d.Key() {
		for i := range l.Fields {
			if f := &l.Fields[i]; string(key) == f.Name {
				f.decode(d, unsafe.Add(p, f.Offset))
				continue next
			}
		}
		d.Skip()
	}
}

// decode reads a field by the rules of encoding/json: null makes pointers, slices and
// maps nil and leaves other fields unchanged.
func (f *Field) decode(d *Decoder, p unsafe.Pointer) {
	switch f.Kind {
	case KindRaw:
		*(*Raw)(p) = d.Raw()
		return
	case KindStruct:
		f.Elem.Decode(d, p)
		return
	}
	if d.Null() {
		f.clear(p)
		return
	}
	switch f.Kind {
	case KindString:
		*(*string)(p) = d.String()
	case KindInt:
		*(*int64)(p) = d.Int()
	case KindBool:
		*(*bool)(p) = d.Bool()
	case KindTime:
		d.Time((*int64)(p))
	case KindStrings:
		*(*[]string)(p) = d.strings()
	case KindCounts:
		*(*map[string]int64)(p) = d.counts()
	case KindPointer:
		f.Elem.Decode(d, f.New(p))
	case KindStringPointer:
		v := d.String()
		*(**string)(p) = &v
	case KindIntPointer:
		v := d.Int()
		*(**int64)(p) = &v
	case KindBoolPointer:
		v := d.Bool()
		*(**bool)(p) = &v
	case KindSlice:
		// #nosec G103 -- empty, not nil: nothing is read from the address
		*(*sliceHeader)(p) = sliceHeader{data: unsafe.Pointer(&zeroSized)}
		if d.BeginArray() {
			for d.More() && d.fits() {
				f.Elem.Decode(d, f.New(p))
			}
		}
	}
}

// clear makes a pointer, a slice or a map nil.
func (f *Field) clear(p unsafe.Pointer) {
	switch f.Kind {
	case KindStrings, KindSlice:
		*(*sliceHeader)(p) = sliceHeader{}
	case KindCounts, KindPointer, KindStringPointer, KindIntPointer, KindBoolPointer:
		*(*unsafe.Pointer)(p) = nil
	}
}

func (d *Decoder) strings() []string {
	list := []string{}
	if d.BeginArray() {
		for d.More() && d.fits() {
			s := ""
			if !d.Null() {
				s = d.String()
			}
			list = append(list, s)
		}
	}
	return list
}

func (d *Decoder) counts() map[string]int64 {
	counts := map[string]int64{}
	if d.BeginObject() {
		for key, ok := d.Key(); ok && d.fits(); key, ok = d.Key() {
			name, n := string(key), int64(0)
			if !d.Null() {
				n = d.Int()
			}
			counts[name] = n
		}
	}
	return counts
}

// Time reads RFC 3339 text into milliseconds since 1970 UTC.
func (d *Decoder) Time(ms *int64) {
	v, ok := ParseTime(d.String())
	if !ok {
		d.Fail("must be a time such as 2006-01-02T15:04:05Z")
	}
	*ms = v
}
