namespace Tessera.Datasets.Synthetic;

/// <summary>What the classes of <see cref="Shapes"/> show.</summary>
internal static class ShapeClasses
{
    /// <param name="shapes">null: all.</param>
    /// <param name="marks">Small shapes on them; null: none.</param>
    /// <returns>In index order: each shape, or each shape with each mark.</returns>
    /// <exception cref="UserErrorException">A name is unknown or comes twice, or there is none.</exception>
    public static (string Shape, string? Mark)[] Of(string[]? shapes, string[]? marks)
    {
        var known = Checked(shapes ?? [.. ShapeOutlines.Names], "classes");
        if (marks is null)
            return [.. known.Select(shape => (shape, (string?)null))];
        return [.. from shape in known from mark in Checked(marks, "marks") select (shape, mark)];
    }

    public static string Name((string Shape, string? Mark) shown) => shown.Mark is null ? shown.Shape : $"{shown.Shape} with {shown.Mark}";

    private static string[] Checked(string[] names, string option)
    {
        var known = string.Join(", ", ShapeOutlines.Names);
        if (names.Length == 0)
            throw new UserErrorException($"Shapes: {option} is empty. Known shapes: {known}.");
        foreach (var name in names)
            if (!ShapeOutlines.Names.Contains(name))
                throw new UserErrorException(
                    $"Shapes can't draw \"{name}\".{NearestName.Suggest(name, ShapeOutlines.Names)} Known shapes: {known}."
                );
        return names.Distinct().Count() == names.Length ? names : throw new UserErrorException($"Shapes: {option} names a shape twice.");
    }
}
