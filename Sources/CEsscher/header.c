// SPDX-License-Identifier: Apache-2.0
// The interface is written in Swift; here only its header is compiled, with the warnings of the project.
#include "esscher.h"
