#include "CJSONLines.h"
