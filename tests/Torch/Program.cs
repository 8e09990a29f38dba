namespace Tessera.Tests.Torch;

/// <summary>
/// The tests' own assembly as a program. <c>collectives</c>: one of the processes that the tests of several processes start under mpirun.
/// Else one act that may
/// end the process; prints "alive" if it goes on.
/// </summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (arguments is ["collectives"])
            return Collectives.CollectiveCases.Run();
        if (arguments is not [var name] || Defects.ProcessOfItsOwn.Find(name) is not { } act)
            return 2;
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
