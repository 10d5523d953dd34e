package curated

import "strings"

// The words by which lists name what is no entry, in the languages that most lists are written in. All are compared
// folded: see foldTitle.

// housekeepingTitles head sections that speak of the list itself and not of its subject.
var housekeepingTitles = words(`
	contributing, contribute, contribution, contributions, how to contribute, contribution guidelines, contribution guide,
	contributing guidelines, guidelines for contributing, contributors, our contributors, contributor list, code of conduct,
	get involved, how to help, support us, license, licence, licensing, copyright, sponsors, sponsor, sponsorship, sponsorships, our sponsors, sponsored by,
	backers, backers and sponsors, sponsors and backers, supporters, donate, donations, support this project, support the project,
	acknowledgements, acknowledgments, acknowledgement, acknowledgment, credits, thanks, special thanks, thanks to,
	maintainers, star history, stargazers, stargazers over time, changelog, disclaimer, back to top, legend, feedback,
	translations, supported languages, available languages, other languages, read this in other languages,
	贡献, 贡献者, 贡献指南, 如何贡献, 参与贡献, 参与者, 许可, 许可证, 版权, 版权声明, 开源协议, 致谢, 感谢, 交流群, 鸣谢, 赞助, 捐赠, 更新日志,
	貢獻, 貢獻者, 授權, 贊助, 其他语言版本, ライセンス, 貢献, コントリビューター, コントリビュート, 謝辞, スポンサー, 라이선스, 기여, 기여하기,
	기여자, 후원, licencia, contribuir, contribuciones, cómo contribuir, contribuidores, colaboradores, colaborar, agradecimientos,
	patrocinadores, licença, contribuindo, contribuição, contribuições, como contribuir, agradecimentos, contribuer, comment contribuer,
	contributeurs, remerciements, lizenz, mitwirkende, mitmachen, beitragen, danksagung, sponsoren, licenza, contribuire, come contribuire,
	contributori, ringraziamenti, лицензия, участие, участие в разработке, содействие, поддержать, поддержать проект, как помочь, как помочь проекту, как внести вклад, вклад, участники, благодарности, спонсоры, lisans,
	katkıda bulunma, katkıda bulunanlar, teşekkürler, رخصة, الرخصة, المساهمة, المساهمون`)

// contentsTitles head tables of contents.
var contentsTitles = words(`contents, table of contents, toc, index, índice, indice, contenido, conteúdo, sommaire, table des matières, inhalt,
	inhaltsverzeichnis, содержание, оглавление, 目录, 目錄, 目次, 목차`)

// formats are what one resource may come in.
var formats = words(`pdf, ps, html, epub, mobi, video, slides, slide deck, slides pdf, audio, mp3, recording, transcript, paper, abstract, abs,
	code, source, source code, poster, bibtex, supplement, talk, article, screenshot, link, here,
	论文, 代码, 源码, 视频, 幻灯片, 链接, 在线阅读, 論文, コード, 動画, スライド, видео, слайды, статья, ссылка, código, vídeo, enlace, artículo,
	lien, vidéo, folien`)

// genericTitles say, as the formats do, what kind of thing a link leads to, and not what it is.
var genericTitles = words(`
	links, this, this one, videos, website, web site, site, web, web page, webpage, home,
	homepage, home page, official site, official website, demo, live demo, online demo, live, sources, src, github,
	gitlab, github repo, repo, repository, docs, doc, documentation, blog, blog post, post, download, downloads,
	read, read more, more, more info, info, details, go, url, book, youtube, vimeo, watch, listen, apply, visit, open, view,
	app store, appstore, itunes, google play, play store, f droid, arxiv, project page, project, page, twitter, wiki,
	review, example, examples, tutorial, mirror, archive, archived, npm, readme,
	announcement, discussion, hn, reddit, forum, medium, dataset, data, model, try it, play, play it now,
	play now, preview, screenshots, clients, changelog, issue, issues, license, api, web archive, part i, part ii, part iii,
	主页, 官网, 首页, 项目主页, 项目地址, 地址, 文档, 下载, 数据集, 公式サイト, ドキュメント, сайт, скачать, документация, sitio web, descargar,
	télécharger, webseite`)

// roles are the generic titles that stand for one page of what a section is about.
var roles = words(`docs, doc, documentation, website, web site, site, homepage, home page, official site, official website,
	wiki, blog, forum, tutorial, repo, repository, github repo, changelog, download, downloads`)

// socialSites are where a thing has its page; only beside others of the kind do they say that it is the same thing's.
var socialSites = words(`twitch, twitter, x, mastodon, bluesky, discord, slack, telegram, matrix, irc, facebook, linkedin, instagram, youtube, tiktok, weibo,
	知乎, bilibili, 微博, 微信, spotify, apple podcasts, apple, rss, feed, newsletter, email, hugging face, huggingface,
	pypi, conda, docker hub, dockerhub, maven, crates io, rubygems, nuget, packagist, cran, homebrew, google scholar`)

// attributes head the columns of a table that tell a quality of the resources and not the resources.
var attributes = words(`author, authors, speaker, speakers, by, company, organization, organisation, institute, institution, category, topic,
	date, year, month, day, keywords, keyword, type, kind, language, country, platform, os, level, rank, no, status, source, license, licence, tags,
	host, hosts, maintainer, maintainers, creator, creators, price, pricing, frequency, feed, rss, follow, stack`)

// descriptions head the column of a table that says what its resources are.
var descriptions = words(`description, descriptions, about, notes, note, summary, what, what it does, details, comment, comments, overview, explanation,
	描述, 简介, 说明, 介绍, 説明, 概要, 설명, descripción, descrição, beschreibung, описание, descrizione, açıklama`)

// numberTitles head the column of a table that numbers its rows.
var numberTitles = words(`, no, nr, id, number, 题号, 序号`)

// joiningWords cannot end a title: what follows them belongs to the same sentence.
var joiningWords = words(`a, an, the, this, that, these, its, our, my, your, their, his, her, own, see, read, visit, click, find, found, at, in, on,
	to, from, for, of, with, via, by, and, or, is, are, be, as, it, out, use, using, check, go, following, available, official, into`)

// words makes a set of folded phrases from a list with commas.
func words(s string) map[string]bool {
	set := make(map[string]bool)
	for w := range strings.SplitSeq(s, ",") {
		set[foldTitle(w)] = true
	}
	return set
}
