package words

// charactersPerPage is about how many characters a printed page has.
const charactersPerPage = 3000

// Length writes a number of characters, in pages if there are many: "1,204 characters",
// "about 12 pages".
func Length(characters int64) string {
	if characters < 2*charactersPerPage {
		return Count(characters, "character")
	}
	return "about " + Count(divideRounded(characters, charactersPerPage), "page")
}
