"""Reports of settlement: what each one says, and how it is written as JSON, XLSX and PDF."""
