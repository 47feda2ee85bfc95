package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// shown returns a value as a message shows it: objects, lists and other values that Go
// prints in its own syntax as JSON, "nothing" for an absent value, and the rest unchanged.
func shown(value any) any {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case error, fmt.Stringer, string, bool:
		return value
	case []byte:
		return string(v)
	}
	of := reflect.ValueOf(value)
	for of.Kind() == reflect.Pointer && !of.IsNil() {
		of = of.Elem()
	}
	switch of.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array, reflect.Struct, reflect.Pointer:
		return asJSON(of.Interface())
	case reflect.Float64:
		return number(of.Float())
	}
	return value
}

// number is a number of JSON. Unlike a float64, it is written without an exponent if it is
// a whole number.
type number float64

// Format implements fmt.Formatter.
func (n number) Format(f fmt.State, verb rune) {
	if verb == 'v' && float64(n) == float64(int64(n)) {
		fmt.Fprintf(f, "%d", int64(n))
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), float64(n))
}

// asJSON returns a value as compact JSON.
func asJSON(value any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "a value that has no form in JSON"
	}
	return string(bytes.TrimSpace(b.Bytes()))
}
