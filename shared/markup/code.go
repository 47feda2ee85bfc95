package markup

// GroupCode returns a pairing code as people read it: in groups of four with a
// space between, "ABCD EFGH". It groups bytes; codes are ASCII.
func GroupCode(code string) string {
	grouped := ""
	for len(code) > 4 {
		grouped += code[:4] + " "
		code = code[4:]
	}
	return grouped + code
}
