using Mono.Cecil;

namespace Tessera.Tests.Tools.Architecture;

/// <summary>A name stands for one thing.</summary>
public sealed class NameTests
{
    /// <summary>Names that two types may share, with the reason.</summary>
    private static readonly Dictionary<string, string> s_shared = [];

    [Fact]
    public void No_two_types_share_a_name()
    {
        var types = TypeReferences.Assemblies.SelectMany(Types).ToArray();
        Assert.True(types.Length > 400, $"Only {types.Length} types were found."); // they are looked for in the right place
        var doubled = types
            .GroupBy(type => type.Name)
            .Where(group => group.Select(type => type.FullName).Distinct().Count() > 1)
            .ToDictionary(group => group.Key, group => string.Join(", ", group.Select(type => type.FullName)));
        Assert.Empty(doubled.Where(entry => !s_shared.ContainsKey(entry.Key)).Select(entry => entry.Value));
        Assert.Empty(s_shared.Keys.Except(doubled.Keys)); // an exception that is none any more goes
    }

    private static (string Name, string FullName)[] Types(string assembly)
    {
        using var module = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        return
        [
            .. module
                .Types.Where(type => type.Namespace.StartsWith("Tessera", StringComparison.Ordinal) && !type.Name.Contains('<'))
                .Where(type => type.Name != "PrepareAtStart")
                // one name for all numbers of type parameters
                .Select(type => (type.Name.Split('`')[0], $"{type.FullName.Split('`')[0]} " + $"({assembly})")),
        ];
    }
}
