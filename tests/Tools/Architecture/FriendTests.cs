using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Tessera.Tests.Tools.Architecture;

/// <summary>Only tests see what is internal: tools and benchmarks use what every program can.</summary>
public sealed class FriendTests
{
    [Fact]
    public void Internals_are_visible_to_tests_alone()
    {
        var friends = Directory
            .EnumerateFiles(Snippets.Repository, "*.*proj", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Snippets.Repository, "*.props"))
            .Concat(Directory.EnumerateFiles(Snippets.Repository, "*.targets"))
            .Where(path => !path.Contains("/artifacts/", StringComparison.Ordinal))
            .SelectMany(path => XDocument.Load(path).Descendants("InternalsVisibleTo"))
            .Select(element => element.Attribute("Include")!.Value)
            .ToArray();
        Assert.NotEmpty(friends);
        Assert.All(friends, friend => Assert.EndsWith(".Tests", friend, StringComparison.Ordinal));
    }

    [Fact]
    public void No_assembly_names_another_friend_in_code()
    {
        foreach (var name in TypeReferences.Assemblies)
            Assert.All(
                Assembly.Load(name).GetCustomAttributes<InternalsVisibleToAttribute>(),
                attribute => Assert.EndsWith(".Tests", attribute.AssemblyName, StringComparison.Ordinal)
            );
    }
}
