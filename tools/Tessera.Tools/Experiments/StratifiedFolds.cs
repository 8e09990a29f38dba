using Tessera.Framework.Data;

namespace Tessera.Tools.Experiments;

/// <summary>Deals samples into folds so that each has its share of every class.</summary>
internal static class StratifiedFolds
{
    /// <summary>Data with one label a sample is dealt class by class, so that no class's counts differ by more than one between folds, nor
    /// the folds' sizes. Data with several classes a sample (labels, boxes, pixels) by iterative stratification; data without classes at
    /// random.</summary>
    /// <remarks>Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011.</remarks>
    /// <param name="seed">The same seed deals the same data alike.</param>
    /// <returns>Each sample's fold, from 0.</returns>
    public static IReadOnlyList<int> Deal(Dataset dataset, int folds, long seed)
    {
        var random = new RandomSource((ulong)seed);
        var order = random.Permutation(dataset.Count);
        if (order.All(i => dataset.LabelOf(i) is not null))
            return DealInTurn(order.OrderBy(i => dataset.LabelOf(i)!.Value), dataset.Count, folds);
        var labels = Enumerable.Range(0, dataset.Count).Select(dataset.LabelsOf).ToArray();
        return labels.All(several => several is null)
            ? DealInTurn(order, dataset.Count, folds)
            : DealByLabels([.. labels.Select(several => (several ?? []).Distinct().ToArray())], order, folds, random);
    }

    /// <summary>The classes that some folds can't have, in words; null where every fold can have all.</summary>
    public static string? Scarce(Dataset dataset, int folds)
    {
        const int mostTold = 8;
        if (dataset.Info.Task == DataTask.Regression)
            return null;
        var counts = new int[dataset.Info.Classes.Count];
        for (var i = 0; i < dataset.Count; i++)
            foreach (var label in (dataset.LabelsOf(i) ?? []).Distinct())
                counts[label]++;
        var scarce = Enumerable.Range(0, counts.Length).Where(label => counts[label] > 0 && counts[label] < folds).ToArray();
        return scarce.Length == 0
            ? null
            : $"Of {(scarce.Length == 1 ? "a class" : "some classes")} there are fewer samples than the {folds} folds, so that "
                + "some folds have none: "
                + string.Join(", ", scarce.Take(mostTold).Select(label => $"{dataset.Info.Classes[label]} ({counts[label]})"))
                + (scarce.Length > mostTold ? ", …" : "")
                + ".";
    }

    private static int[] DealInTurn(IEnumerable<int> order, int count, int folds)
    {
        var (foldOf, next) = (new int[count], 0);
        foreach (var index in order)
            foldOf[index] = next++ % folds;
        return foldOf;
    }

    /// <summary>The label with the fewest samples left is dealt first, each of its samples to the fold that lacks most of it; then to the
    /// one that lacks most samples, then at random. Samples without a label come last.</summary>
    private static int[] DealByLabels(int[][] labels, int[] order, int folds, RandomSource random)
    {
        var foldOf = Enumerable.Repeat(-1, labels.Length).ToArray();
        var withLabel = order.SelectMany(i => labels[i].Select(label => (label, i))).ToLookup(entry => entry.label, entry => entry.i);
        var left = withLabel.ToDictionary(group => group.Key, group => group.Count());
        var lacking = left.ToDictionary(group => group.Key, group => Enumerable.Repeat((double)group.Value / folds, folds).ToArray());
        var room = Enumerable.Repeat((double)labels.Length / folds, folds).ToArray();
        while (left.Count > 0)
        {
            var rarest = left.MinBy(entry => (entry.Value, entry.Key)).Key;
            foreach (var index in withLabel[rarest].Where(index => foldOf[index] < 0))
                Place(index, Choose(lacking[rarest]));
            left.Remove(rarest);
        }
        foreach (var index in order.Where(index => foldOf[index] < 0))
            Place(index, Choose(room));
        return foldOf;

        int Choose(double[] wish)
        {
            var most = wish.Max();
            var first = Enumerable.Range(0, folds).Where(fold => wish[fold] == most).ToArray();
            var roomiest = first.Max(fold => room[fold]);
            var best = first.Where(fold => room[fold] == roomiest).ToArray();
            return best[random.Next(best.Length)];
        }

        void Place(int index, int fold)
        {
            foldOf[index] = fold;
            room[fold]--;
            foreach (var label in labels[index])
            {
                lacking[label][fold]--;
                if (left.TryGetValue(label, out var count))
                    left[label] = count - 1;
            }
        }
    }
}
