package markup

// GroupCode returns a pairing code in groups of four, "ABCD EFGH". Codes are ASCII.
func GroupCode(code string) string {
	grouped := ""
	for len(code) > 4 {
		grouped += code[:4] + " "
		code = code[4:]
	}
	return grouped + code
}
