package main

import (
	"os"
	"path/filepath"
	"slices"
)

// joinScripts joins the loader's files into one. boot.js comes last, since it uses the others.
func joinScripts(dir string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.js"))
	if err != nil {
		return nil, err
	}
	boot := filepath.Join(dir, "boot.js")
	files = append(slices.DeleteFunc(files, func(f string) bool { return f == boot }), boot)
	var joined []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		joined = append(joined, text...)
	}
	return joined, nil
}
