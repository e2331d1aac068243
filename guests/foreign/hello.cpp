// A command in C++: containers, strings, a stream.
#include <iostream>
#include <map>
#include <string>

int
main(int argc, char **argv)
{
    std::map<std::string, int> words;
    for (int i = 0; i < argc; i++)
        words[argv[i]]++;
    for (int n = 1; n <= 3; n++)
        std::cout << "hello " << n << " from C++, " << words.size() << " words" << std::endl;
    return argc > 1 ? std::stoi(argv[1]) : 0;
}
