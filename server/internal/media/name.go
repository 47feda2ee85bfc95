package media

import (
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
)

// maxName limits the name of a file, in bytes.
const maxName = 180

// baseName returns the sender's name for a file in a form that is safe to show: the last
// element of a path, cleaned (printable.Plain).
func baseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) { // not allowed on Windows
			return '_'
		}
		return r
	}, name)
	return strings.Trim(printable.Plain(name, len(name)), " .")
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
	return printable.CutBytes(stem, maxName-len(suffix)) + suffix
}

// extensionFits reports whether the extension of name belongs to the kind. Plain text may
// have any extension, but those of files that are no text.
func extensionFits(name string, k kind) bool {
	if k.mime == plainText.mime {
		_, binary := byExtension(binaryKinds, name)
		return !binary
	}
	return slices.Contains(k.extensions, extension(name))
}
