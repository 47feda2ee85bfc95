package media

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a file's name, in bytes.
const maxName = 180

// baseName makes of what a sender calls a file a name that is safe to show: the
// last element of a path, without characters that are invisible or turn the
// direction of writing.
func baseName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case strings.ContainsRune(`<>:"|?*`, r): // which Windows does not take
			return '_'
		}
		return r
	}, name)
	return strings.Trim(name, " .")
}

// saveName makes of a baseName one that is safe to save under: its extension is
// one that the kind has. What is called .html and is a picture becomes .html.gif.
func saveName(base string, k kind) string {
	stem, suffix := base, ""
	if !fits(base, k) {
		suffix = "." + k.extensions[0]
	} else if e := extension(stem); e != "" {
		stem, suffix = stem[:len(stem)-len(e)-1], stem[len(stem)-len(e)-1:]
	}
	if stem = strings.TrimRight(stem, " "); stem == "" {
		stem = "file"
	}
	return truncate(stem, maxName-len(suffix)) + suffix
}

// fits reports whether the name ends as names of the kind may.
func fits(name string, k kind) bool {
	e := extension(name)
	for _, allowed := range k.extensions {
		if e == allowed {
			return name != "" || allowed == ""
		}
	}
	return false
}

// truncate cuts s to at most n bytes, between characters.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
