package media

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName limits the name of a file, in bytes.
const maxName = 180

// baseName returns the sender's name for a file in a form that is safe to show: the last
// element of a path, without characters that are invisible or change the writing
// direction.
func baseName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp),
			r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case strings.ContainsRune(`<>:"|?*`, r): // not allowed on Windows
			return '_'
		}
		return r
	}, name)
	return strings.Trim(name, " .")
}

// saveName returns a name that is safe for saving the file: its extension belongs to the
// kind. For example, the name of a GIF that ends in .html then ends in .html.gif.
func saveName(base string, k kind) string {
	stem, suffix := base, ""
	if !extensionFits(base, k) {
		suffix = "." + k.extensions[0]
	} else if e := extension(stem); e != "" {
		stem, suffix = stem[:len(stem)-len(e)-1], stem[len(stem)-len(e)-1:]
	}
	if stem = strings.TrimRight(stem, " "); stem == "" {
		stem = "file"
	}
	return truncate(stem, maxName-len(suffix)) + suffix
}

// extensionFits reports whether the extension of name belongs to the kind.
func extensionFits(name string, k kind) bool {
	e := extension(name)
	for _, allowed := range k.extensions {
		if e == allowed {
			return name != "" || allowed == ""
		}
	}
	return false
}

// truncate returns the longest prefix of s that has at most n bytes and ends between two
// characters.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
