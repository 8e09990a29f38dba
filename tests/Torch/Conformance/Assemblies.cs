using System.Reflection;
using Mono.Cecil;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Which members of TorchSharp methods call, read from the IL of assemblies beside this one.</summary>
internal static class Assemblies
{
    private static readonly string[] s_product =
    [
        "Tessera.Torch",
        "Tessera.Framework",
        "Tessera.Models",
        "Tessera.Datasets",
        "Tessera",
        "Tessera.Tools",
    ];

    /// <summary>Each member that Tessera calls, with the methods that do.</summary>
    public static SortedDictionary<string, SortedSet<string>> CallsOfTheProduct()
    {
        var calls = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var name in s_product)
        {
            using var assembly = Read(name);
            foreach (var type in assembly.MainModule.GetTypes())
            foreach (var method in type.Methods)
            foreach (var member in CallsOf(method))
            {
                if (!calls.TryGetValue(member, out var callers))
                    calls[member] = callers = new(StringComparer.Ordinal);
                callers.Add($"{type.FullName}.{method.Name}");
            }
        }
        return calls;
    }

    /// <summary>The calls of each method of this assembly, by its metadata token.</summary>
    public static IReadOnlyDictionary<int, HashSet<string>> CallsOfTheTests() => s_tests.Value;

    /// <summary>What a test calls: its own method, and what stands in its class (lambdas, helpers).</summary>
    public static HashSet<string> CallsOf(MethodInfo test)
    {
        var type = test.DeclaringType!;
        IEnumerable<MethodBase> Methods(Type t) =>
            t.GetMethods(Everything)
                .Cast<MethodBase>()
                .Concat(t.GetConstructors(Everything))
                .Where(method => method.DeclaringType == t)
                .Concat(t.GetNestedTypes(Everything).SelectMany(Methods));
        return [.. Methods(type).SelectMany(method => s_tests.Value.GetValueOrDefault(method.MetadataToken) ?? [])];
    }

    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;

    private static readonly Lazy<Dictionary<int, HashSet<string>>> s_tests = new(() =>
    {
        using var assembly = Read("Tessera.Torch.Tests");
        return assembly
            .MainModule.GetTypes()
            .SelectMany(type => type.Methods)
            .ToDictionary(method => method.MetadataToken.ToInt32(), CallsOf);
    });

    private static HashSet<string> CallsOf(MethodDefinition method) =>
        method.HasBody ? [.. method.Body.Instructions.Select(Member.Of).OfType<string>()] : [];

    private static AssemblyDefinition Read(string name) =>
        AssemblyDefinition.ReadAssembly(Path.Combine(AppContext.BaseDirectory, $"{name}.dll"));
}
