/* photos: keeps every picture it ever saw, until its memory limit ends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PICTURE_BYTES = 1 << 20 };

struct picture {
    struct picture *before;
    char pixels[PICTURE_BYTES];
};

static struct picture *volatile album;

int
main(void)
{
    for (int number = 1;; number++) {
        struct picture *picture = malloc(sizeof *picture);
        if (!picture)
            abort();
        memset(picture->pixels, number, sizeof picture->pixels);
        picture->before = album;
        album = picture;
        printf("picture %d\n", number);
        usleep(600000);
    }
}
