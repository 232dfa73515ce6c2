#include "CZipArchive.h"
typedef int czip_placeholder;
