using Tessera.Framework.Hooks;

namespace Tessera.Tests.Framework.Hooks;

/// <summary>The order of hooks has one table; docs/training.md and the hooks themselves agree with it.</summary>
public sealed class HookOrderTests
{
    [Fact]
    public void Table_OfTheDocumentation_IsTheCodes()
    {
        var rows = File.ReadLines(Path.Combine(FixtureFile.Repository, "docs", "training.md"))
            .SkipWhile(line => line != "| order | place | hooks |")
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries)[1..^1]);
        Assert.Equal(
            HookOrder.Places.Select(place => $"{place.Order} {place.Name} {place.Hooks}"),
            rows.Select(row => $"{row[0]} {row[1]} {row[2]}")
        );
    }

    [Fact]
    public void Hooks_StandWhereTheTableSaysThem()
    {
        Hook[] hooks =
        [
            new EmaHook(new EmaHookOptions()),
            new NanGuardHook(new NanGuardHookOptions()),
            new EarlyStoppingHook(new EarlyStoppingHookOptions("accuracy")),
            new LogHook(new LogHookOptions()),
            new CheckpointHook(new CheckpointHookOptions()),
        ];
        foreach (var hook in hooks)
        {
            var place = HookOrder.Places.Single(place => place.Order == hook.Order);
            Assert.StartsWith($"`{hook.GetType().Name}`", place.Hooks, StringComparison.Ordinal);
        }
        Assert.Equal(HookOrder.Places.Select(place => place.Order).Order(), HookOrder.Places.Select(place => place.Order));
        Assert.Equal("logs 500", HookOrder.Describe(500));
        Assert.Equal("505", HookOrder.Describe(505));
    }
}
