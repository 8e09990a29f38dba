using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;
using Tessera.Framework.Visualization.Charts;

namespace Tessera.Tools.Costs;

/// <summary>A line of the tree: a module, or several equal neighbours.</summary>
/// <param name="Name">"blocks", "3", "1 … 11".</param>
internal sealed record TreeRow(string Name, int Depth, int Times, ModuleCost Cost);

/// <summary>A model's modules as an indented tree, with what each costs as a bar.</summary>
internal sealed class ModelTree : Chart
{
    private const double Row = 22,
        Indent = 18,
        NameWidth = 260,
        TypeWidth = 170,
        OutputWidth = 190,
        NumberWidth = 90,
        BarWidth = 170;

    public required ModelCost Cost { get; init; }

    public required IReadOnlyList<TreeRow> Rows { get; init; }

    public override (double Width, double Height) Size =>
        (
            2 * Gap + NameWidth + TypeWidth + OutputWidth + 2 * (NumberWidth + BarWidth / 2) + 3 * Gap,
            (Title.Length > 0 ? TitleSize * 2 : 0) + 3 * Gap + (Rows.Count + 1) * Row
        );

    /// <summary>The tree down to a depth, equal neighbours folded into one line.</summary>
    public static IReadOnlyList<TreeRow> Fold(ModelCost cost, int depth)
    {
        var children = cost.Modules.Where(module => module.Name.Length > 0).ToLookup(module => module.Parent!);
        var rows = new List<TreeRow>();
        Add(cost.Modules[0], cost.Modules[0].Type, 1);
        return rows;

        void Add(ModuleCost module, string name, int times)
        {
            rows.Add(new(name, module.Depth, times, module));
            if (module.Depth >= depth)
                return;
            var below = children[module.Name].ToArray();
            for (var i = 0; i < below.Length; )
            {
                var end = i + 1;
                while (end < below.Length && Same(below[i], below[end]))
                    end++;
                Add(below[i], end - i > 1 ? $"{below[i].Leaf} … {below[end - 1].Leaf}" : below[i].Leaf, end - i);
                i = end;
            }
        }

        bool Same(ModuleCost a, ModuleCost b) =>
            a.Type == b.Type
            && a.Parameters == b.Parameters
            && a.Counts.MultiplyAdds == b.Counts.MultiplyAdds
            && a.Output == b.Output
            && int.TryParse(a.Leaf, CultureInfo.InvariantCulture, out _)
            && int.TryParse(b.Leaf, CultureInfo.InvariantCulture, out _)
            && children[a.Name].Count() == children[b.Name].Count();
    }

    /// <summary>As deep as that many lines allow.</summary>
    public static IReadOnlyList<TreeRow> Fold(ModelCost cost, int depth, int mostRows)
    {
        var rows = Fold(cost, depth);
        while (rows.Count > mostRows && depth > 1)
            rows = Fold(cost, --depth);
        return rows;
    }

    /// <summary>The lines from a row's module to those that it is within.</summary>
    private void DrawBranches(Drawing drawing, int i, double y)
    {
        var depth = Rows[i].Depth;
        for (var level = 1; level <= depth; level++)
        {
            var x = Gap + level * Indent - 11;
            var end =
                Continues(i, level) ? y + Row / 2
                : level == depth ? y
                : y - Row / 2;
            drawing.Line(x, y - Row / 2, x, end, Rgb.Gray);
        }
        if (depth > 0)
            drawing.Line(Gap + depth * Indent - 11, y, Gap + depth * Indent - 3, y, Rgb.Gray);
    }

    public override void Draw(Drawing drawing)
    {
        var top = DrawTitle(drawing);
        double typeX = Gap + NameWidth,
            outputX = typeX + TypeWidth,
            parametersX = outputX + OutputWidth,
            productsX = parametersX + NumberWidth + BarWidth / 2 + Gap;
        Head("module", Gap);
        Head("type", typeX);
        Head("output", outputX);
        Head("parameters", parametersX);
        Head("multiply-adds", productsX);
        drawing.Line(Gap, top + Row, drawing.Width - Gap, top + Row, Ink);
        var colors = ClassColors.Distinct(2);
        for (var i = 0; i < Rows.Count; i++)
        {
            var (row, y) = (Rows[i], top + (i + 1.5) * Row + 2);
            if (i % 2 == 1)
                drawing.Fill(Gap, y - Row / 2, drawing.Width - 2 * Gap, Row, new Rgb(247, 247, 247));
            var x = Gap + row.Depth * Indent;
            DrawBranches(drawing, i, y);
            var times = row.Times > 1 ? $"  × {row.Times}" : "";
            drawing.Text(
                drawing.Fit(row.Name + times, typeX - x - 8, TickSize, bold: row.Depth == 0),
                x,
                y,
                TickSize,
                Ink,
                across: TextAlign.Middle,
                bold: row.Depth == 0
            );
            drawing.Text(drawing.Fit(row.Cost.Type, TypeWidth - 8, TickSize), typeX, y, TickSize, Ink, across: TextAlign.Middle);
            drawing.Text(
                drawing.Fit(row.Cost.Output ?? "", OutputWidth - 8, TickSize),
                outputX,
                y,
                TickSize,
                Ink,
                across: TextAlign.Middle
            );
            Bar(parametersX, y, row.Cost.Parameters * row.Times, Cost.Parameters, colors[0]);
            Bar(productsX, y, row.Cost.Counts.MultiplyAdds * row.Times, Cost.Counts.MultiplyAdds, colors[1]);
        }

        void Head(string text, double at) => drawing.Text(text, at, top + Row / 2, TickSize, Ink, across: TextAlign.Middle, bold: true);

        void Bar(double at, double y, long value, long of, Rgb color)
        {
            drawing.Text(CostText.Short(value), at + NumberWidth - 14, y, TickSize, Ink, TextAlign.End, TextAlign.Middle);
            if (of > 0)
                drawing.Fill(at + NumberWidth - 6, y - 6, Math.Min(1, (double)value / of) * BarWidth / 2, 12, color);
        }
    }

    /// <summary>Whether the branch at a level goes on below a row.</summary>
    private bool Continues(int row, int level)
    {
        for (var i = row + 1; i < Rows.Count; i++)
        {
            if (Rows[i].Depth < level)
                return false;
            if (Rows[i].Depth == level)
                return true;
        }
        return false;
    }
}
