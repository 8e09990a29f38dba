using Mono.Cecil;

namespace Tessera.Tests.Tools.Output;

/// <summary>Who writes to the console, read from the compiled assemblies.</summary>
public sealed class OneConsoleTests
{
    /// <summary>Consoles makes what all others write to. MPI's abort flushes, and the watch over the other ranks speaks when everything
    /// else is stuck.</summary>
    private static readonly string[] s_allowed =
    [
        "Tessera.Framework.Logging.Consoles",
        "Tessera.Torch.MpiGroup",
        "Tessera.Torch.Rendezvous",
    ];

    [Theory]
    [InlineData("Tessera.Torch")]
    [InlineData("Tessera.Framework")]
    [InlineData("Tessera.Models")]
    [InlineData("Tessera.Datasets")]
    [InlineData("Tessera")]
    [InlineData("Tessera.Tools")]
    public void Nothing_writes_past_Consoles(string assembly)
    {
        using var module = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        var writers =
            from type in module.GetTypes()
            from method in type.Methods
            where method.HasBody
            from instruction in method.Body.Instructions
            where instruction.Operand is MethodReference { DeclaringType.FullName: "System.Console" or "Spectre.Console.AnsiConsole" }
            let called = (MethodReference)instruction.Operand
            where called.Name is not ("Create" or "OpenStandardInput") // a console into a text, for tables of the log; and reading
            select (Outermost(type).FullName, $"{Outermost(type).FullName}.{method.Name} calls {called.DeclaringType.Name}.{called.Name}");
        Assert.Empty(writers.Where(writer => !s_allowed.Contains(writer.FullName)).Select(writer => writer.Item2).Distinct());
    }

    private static TypeDefinition Outermost(TypeDefinition type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
