/* glossary_file.h - a file of terms: SOURCE TAB TARGET on each line; blank lines are skipped. */
#ifndef DATA_GLOSSARY_FILE_H
#define DATA_GLOSSARY_FILE_H

#include "data/text_file.h"
#include "text/glossary.h"

typedef struct GlossaryFile {
  Glossary glossary; /* points into the file */
  TextFile file;
} GlossaryFile;

/* Refuses, with file and line, a line without both parts and a source with two translations. Call
 * glossary_file_close after a failure, too. */
bool glossary_file_open(GlossaryFile *, const char *path, const TextSettings *, const News *, Error *);
void glossary_file_close(GlossaryFile *);

#endif
