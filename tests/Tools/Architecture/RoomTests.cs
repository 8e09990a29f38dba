using Place = Tessera.Tests.Tools.Architecture.TypeReferences.Place;

namespace Tessera.Tests.Tools.Architecture;

/// <summary>The arrows of docs/architecture.md, as the compiled assemblies have them.</summary>
public sealed class RoomTests
{
    private static readonly Lazy<TypeReferences> s_references = new(TypeReferences.Read);

    /// <summary>The rooms of Framework; each knows those before it, none after it.</summary>
    private static readonly string[] s_framework =
    [
        // configuration and components
        "Messages",
        "Errors",
        "Files",
        "Configuration",
        "Components",
        "Plugins",
        // contracts
        "Data",
        "Models",
        "Metrics",
        // checkpoints
        "Checkpoints",
        // training
        "Processes",
        "Optimization",
        "Hooks",
        "Running",
        // reporting
        "Logging",
        "Visualization",
    ];

    public static TheoryData<string> Assemblies => [.. TypeReferences.Assemblies];

    [Fact]
    public void No_assembly_knows_one_above_it()
    {
        var order = TypeReferences.Assemblies;
        Assert.Empty(
            s_references
                .Value.Arrows.Where(arrow => Array.IndexOf(order, arrow.Key.To.Assembly) > Array.IndexOf(order, arrow.Key.From.Assembly))
                .Select(Show)
        );
        // Two wings that meet at Framework.
        Assert.DoesNotContain(
            s_references.Value.Arrows,
            arrow => arrow.Key is { From.Assembly: "Tessera.Datasets", To.Assembly: "Tessera.Models" }
        );
    }

    [Fact]
    public void Each_room_of_Framework_knows_only_those_before_it()
    {
        var arrows = Between("Tessera.Framework");
        Assert.Empty(arrows.SelectMany(arrow => new[] { arrow.From, arrow.To }).Select(Last).Distinct().Except(s_framework));
        Assert.Empty(arrows.Where(arrow => At(arrow.To) > At(arrow.From)).Select(arrow => arrow.Text));

        static int At(string room) => Array.IndexOf(s_framework, Last(room));
        static string Last(string room) => room.Split('.')[^1];
    }

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Rooms_of_an_assembly_form_no_circle(string assembly)
    {
        var arrows = Between(assembly);
        var left = arrows.Select(arrow => arrow.From).ToHashSet();
        // Takes away, again and again, the rooms that know none of those left: what stays is in a circle or above one.
        while (left.RemoveWhere(room => !arrows.Any(arrow => arrow.From == room && left.Contains(arrow.To))) > 0) { }
        Assert.Empty(arrows.Where(arrow => left.Contains(arrow.From) && left.Contains(arrow.To)).Select(arrow => arrow.Text));
    }

    private static (string From, string To, string Text)[] Between(string assembly) =>
        [
            .. s_references
                .Value.Arrows.Where(arrow => arrow.Key.From.Assembly == assembly && arrow.Key.To.Assembly == assembly)
                .Where(arrow => arrow.Key.From.Room != arrow.Key.To.Room)
                .Select(arrow => (arrow.Key.From.Room, arrow.Key.To.Room, Show(arrow))),
        ];

    private static string Show(KeyValuePair<(Place From, Place To), SortedSet<string>> arrow) =>
        $"{arrow.Key.From.Namespace} -> {arrow.Key.To.Namespace}: {string.Join("; ", arrow.Value.Take(5))}";
}
