#include "grammar/forms.h"

const Form *const forms[] = {
#define FORM(name) &form_##name,
#include "grammar/forms.def"
#undef FORM
};
const int forms_count = (int)(sizeof forms / sizeof *forms);
