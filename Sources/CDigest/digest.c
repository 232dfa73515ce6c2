#include "CDigest.h"
typedef int cdigest_placeholder;
