namespace Tessera.Models.Detection.Heads;

/// <summary>Work on plain arrays, one image on each thread.</summary>
internal static class InParallel
{
    public static IReadOnlyList<TResult> Select<T, TResult>(IReadOnlyList<T> items, Func<T, TResult> work)
    {
        var results = new TResult[items.Count];
        if (items.Count == 1)
            results[0] = work(items[0]);
        else
            Parallel.For(0, items.Count, i => results[i] = work(items[i]));
        return results;
    }
}
