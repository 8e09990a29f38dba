namespace Tessera.Tests.Torch;

/// <summary>Runs one act that may end the process: <c>dotnet Tessera.Torch.Tests.dll ACT</c>. Prints "alive" if it goes on.</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (arguments is not [var name] || Defects.ProcessOfItsOwn.Find(name) is not { } act) return 2;
        try
        {
            act();
        }
        catch (Exception e)
        {
            Console.WriteLine(e.GetType().Name);
        }
        Console.WriteLine("alive");
        return 0;
    }
}
