package main

import (
	"os"
	"runtime"

	"github.com/gatehouse-chat/gatehouse/server/internal/pdftext"
)

// extractPDF is the command that serve starts to read a PDF: it writes the text of the PDF
// on the standard input to the standard output. It is not for people, so the usage does
// not list it.
const extractPDF = "extract-pdf"

// pdfReader returns the command line of extractPDF with this binary; nil if the path of the
// binary is unknown.
func pdfReader() []string {
	if runtime.GOOS == "linux" {
		return []string{"/proc/self/exe", extractPDF} // even after an upgrade replaced the file
	}
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{self, extractPDF}
}

// readPDF runs extractPDF and returns the exit code.
func readPDF() int {
	if err := pdftext.Main(os.Stdin, os.Stdout); err != nil {
		return exitFault
	}
	return exitOK
}
