package main

import "fmt"

// squeeze makes a module of Go's linker a fifth smaller, measured after compression. The
// linker splits the data section into tens of thousands of segments to leave out a few zeros
// each; squeeze writes a handful of segments. It also removes the names, files and lines of
// all functions. Only the text of stack traces needs them, and `make symbols` adds them to a
// trace afterwards.
//
// All other sections stay as they are. Those before the data section, the code among
// them, stay where they are, so that an address in a stack trace is valid in the module
// as it was linked. squeeze returns an error for a module that it does not understand.
func squeeze(module []byte) ([]byte, error) {
	all, err := sections(module)
	if err != nil {
		return nil, err
	}
	if _, err := findSection(all, sectionMemory); err != nil {
		return nil, fmt.Errorf("whether memory is zero at first is unknown: %w", err)
	}
	data, mem, table, err := readData(all)
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

// readData finds the data section, what memory holds when it has been read, and the table
// of functions in that memory.
func readData(all []section) (data section, mem memory, table *pclntab, err error) {
	if data, err = findSection(all, sectionData); err != nil {
		return data, mem, nil, err
	}
	if mem, err = readMemory(data.content); err != nil {
		return data, mem, nil, err
	}
	table, err = findPclntab(mem.bytes)
	return data, mem, table, err
}
