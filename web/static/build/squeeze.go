package main

import "fmt"

// squeeze writes the data section of a module from Go's linker again, which makes the
// module a fifth smaller once it is compressed. The linker writes tens of thousands of
// segments to save a few zeros each: squeeze writes a handful. It also removes the
// names, files and lines of all functions, which are for the text of stack traces:
// `make symbols` adds them to a trace afterwards.
//
// All other sections stay as they are. Those before the data section, the code among
// them, stay where they are, so that an address in a stack trace is valid in the module
// as it was linked. squeeze returns an error for a module that it does not understand.
func squeeze(module []byte) ([]byte, error) {
	all, err := sections(module)
	if err != nil {
		return nil, err
	}
	if _, err := find(all, sectionMemory); err != nil {
		return nil, fmt.Errorf("whether memory is zero at first is unknown: %w", err)
	}
	data, err := find(all, sectionData)
	if err != nil {
		return nil, err
	}
	mem, err := readMemory(data.content)
	if err != nil {
		return nil, err
	}
	table, err := findPclntab(mem.bytes)
	if err != nil {
		return nil, err
	}
	if err := table.strip(); err != nil {
		return nil, err
	}
	squeezed := append([]byte(nil), module[:data.start]...)
	squeezed = mem.appendData(squeezed)
	return append(squeezed, module[data.end:]...), nil
}
