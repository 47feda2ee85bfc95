package format

import (
	"strings"
	"testing"
)

// answer is 10 KB of what models write.
var answer = strings.Repeat("## Reading a file\n\nTo read a file, open it and **check the error**; `os.ReadFile` does both. See https://go.dev/doc for more.\n\n"+
	"```go\ndata, err := os.ReadFile(\"config.json5\")\nif err != nil {\n\treturn fmt.Errorf(\"config: %w\", err) // say which file\n}\n```\n\n"+
	"1. It returns *all* bytes.\n2. It closes the file.\n3. For large files use a [scanner](https://pkg.go.dev/bufio#Scanner):\n   - line by line,\n   - within a limit.\n\n"+
	"| call | memory |\n|:-----|-------:|\n| ReadFile | the whole file |\n| Scanner | one line |\n\n"+
	"> Note that the limit of a scanner is 64 KB a line.\n\n", 20)[:10<<10]

func BenchmarkBlocks(b *testing.B) {
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		Blocks(answer)
	}
}

func BenchmarkFormulas(b *testing.B) {
	text := strings.Repeat("Then $\\frac{a_1}{b^2}$ is \\(x\\), and it costs $5.\n\n\\[\n\\sum_{i=1}^n i = \\frac{n(n+1)}{2}\n\\]\n\n", 50)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Blocks(text)
	}
}

func BenchmarkStream(b *testing.B) {
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		var s Stream
		for rest := answer; rest != ""; {
			n := min(40, len(rest))
			s.Write(rest[:n])
			rest = rest[n:]
		}
		s.Close()
	}
}
