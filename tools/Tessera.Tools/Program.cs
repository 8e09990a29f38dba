namespace Tessera.Tools;

internal static class Program
{
    private static int Main(string[] args)
    {
        Console.Error.WriteLine($"No tool is named \"{args.FirstOrDefault()}\".");
        return 2;
    }
}
